"""The engine llama.cpp: the language model as a GGUF file, everything before it in torch.

tensors.py and write.py make the file, folder.py the model folder around it. context.py reads
embeddings and tokens with the library, sequences.py keeps the turns of conversations, decoder.py
answers. The package llama-cpp-python is optional; library.py is the only file that imports it.
"""
