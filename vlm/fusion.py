"""Visual tokens take their places among the words."""

from torch import Tensor


def fuse(embeddings: Tensor, ids: Tensor, visual: Tensor, image_token_id: int) -> Tensor:
    """Put visual tokens [V, D] where ids [B, L] say so in embeddings [B, L, D], in order.

    Raises ValueError with both counts when there are not exactly V such places.
    """
    places = ids == image_token_id
    num_places = int(places.sum())
    if num_places != len(visual):
        raise ValueError(
            f"the prompt has {num_places} places for visual tokens, but {len(visual)} were given: "
            "prompt and pictures do not belong together"
        )
    return embeddings.masked_scatter(places[..., None], visual.to(embeddings.dtype))
