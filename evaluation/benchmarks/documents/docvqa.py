"""DocVQA, single pages: questions about scanned documents (arXiv:2007.00398)."""

from evaluation.benchmarks.base import Hub
from evaluation.benchmarks.documents.documents import DocumentBenchmark


class DocVQA(DocumentBenchmark):
    name = "docvqa"
    title = "DocVQA"
    needs = (
        "DocVQA/validation-*.parquet of lmms-lab/DocVQA on the hub, or val_v1.0_withQT.json and"
        " documents/ of the challenge's download"
    )
    hub = Hub("lmms-lab/DocVQA", ("DocVQA/{split}-*.parquet",))
    max_tiles = 18  # as PVC shows these pages, beside a thumbnail
    config = "DocVQA"
    json_names = {"validation": "val_v1.0*.json", "test": "test_v1.0*.json"}
    picture_key = "image"
    pictures = ("spdocvqa_images",)
    grouping = ("ucsf_document_id",)
    kinds = "question_types"
