"""The parts of `paper.py`, which reproduces the TorchRadon paper, one file each.

A part offers ``jobs(scale, device, image)``: what has to be called, and how far. The functions that
do the work run in processes of their own, so they are found by name and take and return what
pickles.
"""
