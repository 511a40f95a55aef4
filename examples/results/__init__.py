"""What the models of the examples are worth, beside scikit-learn's, on rows that none has seen."""
