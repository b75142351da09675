"""An encoder-decoder of pre-trained sides: Rothe, Narayan and Severyn 2020, "Leveraging Pre-trained
Checkpoints for Sequence Generation Tasks", section 2.

    [CLS] inputs [SEP]               [CLS] targets, shifted right by one
        |                                |
    any encoder                      a decoder, of the blocks of a BERT or a GPT-2
        |                                |
      memory ------------------------>   attention to the memory, in each block
                                         |
                                     a score for each token
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from headwater.errors import UserError
from headwater.models.bert.config import BertConfig
from headwater.models.body import EncoderBody
from headwater.models.cached_decoder import CachedTextToText
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.encoder_decoder.decoder import Decoder, build_decoder
from headwater.models.families import family_of, sizes_of
from headwater.models.losses import Batch


class EncoderDecoder(CachedTextToText):
    """The whole model.

    A batch holds `input_ids` `[batch, inputs]`, `attention_mask` of that shape (left out: all real)
    and `labels` `[batch, targets]`, IGNORED where there is no target.
    """

    config: EncoderDecoderConfig
    decoder: Decoder

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        self.config = config
        network = family_of(config.encoder).network
        self.encoder = cast(EncoderBody, network.build_body(config.encoder, False))
        width = sizes_of(config.encoder).hidden_size
        self.decoder = build_decoder(config.decoder, width, table=not config.shared_embeddings)
        self.take_encoder(self.encoder)

    @property
    def head(self) -> nn.Module:
        """The decoder, which trains as a whole where the encoder is only adapted."""
        return self.decoder

    def take_encoder(self, encoder: EncoderBody) -> None:
        self.encoder = encoder
        width = sizes_of(self.config.decoder).hidden_size
        if self.config.shared_embeddings and encoder.token_embedding.shape[1] != width:
            narrow = encoder.token_embedding.shape[1]
            raise UserError(
                f"shared_embeddings: the encoder's token vectors have {narrow} numbers and the "
                f"decoder is {width} wide"
            )
        if self.config.tie_encoder_decoder:
            self.decoder.borrow(encoder, cast(BertConfig, self.config.decoder))

    @property
    def table(self) -> Tensor:
        """The decoder's token vectors `[vocabulary, width]`, which may be the encoder's."""
        own = self.decoder.embeddings.token
        return self.encoder.token_embedding if own is None else own.weight

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return the memory `[batch, inputs, width]` of ids `[batch, inputs]`."""
        memory: Tensor = self.encoder(input_ids, attention_mask)
        return memory

    def layer_outputs(self, batch: Batch) -> list[Tensor]:
        """Return those of the encoder."""
        return self.encoder.layer_outputs(batch)

    def scores(self, states: Tensor) -> Tensor:
        scores: Tensor = self.decoder.head(states, self.table)
        return scores

    def vectors(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.table, self.decoder.embeddings.padding)


def build_body(config: EncoderDecoderConfig, bare: bool) -> EncoderDecoder:
    """Build the network, with empty weights."""
    return EncoderDecoder(config)


def initialize(model: nn.Module, config: EncoderDecoderConfig) -> None:
    """Draw fresh weights as the published code does: on either side those of its family."""
    parts = [(model, config.decoder)]
    if isinstance(model, EncoderDecoder):
        parts = [(model.encoder, config.encoder), (model.decoder, config.decoder)]
    for part, sizes in parts:
        family_of(sizes).network.initialize(part, sizes)
