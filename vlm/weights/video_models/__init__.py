"""Published weights of video encoders: one file for each family, a table of names in each.

load_video_model(Path("mvit_v2_s.pth"), "mvit-v2-s-16x4") -> encoder        read.py
"""
