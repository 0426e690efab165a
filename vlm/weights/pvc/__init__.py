"""The published PVC-InternVL2 weights: reading, inspecting, converting."""
