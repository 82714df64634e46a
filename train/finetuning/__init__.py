"""Fine-tuning on one's own microscope: from the shipped weights, through a gate, with a way back."""
