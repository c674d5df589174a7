"""Find images, clips and subjects that training and test sets share."""
