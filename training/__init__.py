"""The two stages that make the embedded model: pre-training and instruction tuning."""
