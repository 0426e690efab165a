"""InfographicVQA: questions about tall pictures full of text and numbers (arXiv:2104.12756)."""

from evaluation.benchmarks.base import Hub
from evaluation.benchmarks.documents.documents import DocumentBenchmark


class InfoVQA(DocumentBenchmark):
    name = "infovqa"
    title = "InfographicVQA"
    needs = (
        "InfographicVQA/validation-*.parquet of lmms-lab/DocVQA on the hub, or"
        " infographicsVQA_val_v1.0*.json and infographicsvqa_images/ of the challenge's download"
    )
    hub = Hub("lmms-lab/DocVQA", ("InfographicVQA/{split}-*.parquet",))
    max_tiles = 24  # as PVC shows them, beside a thumbnail
    config = "InfographicVQA"
    json_names = {
        "validation": "infographicsVQA_val_v1.0*.json",
        "test": "infographicsVQA_test_v1.0*.json",
    }
    picture_key = "image_local_name"
    pictures = ("infographicsvqa_images", "infographicVQA_images", "images")
    grouping = ("image_url",)
    kinds = "answer_type"
