"""What a study is: the record of it, its rows, its curves and its verdicts."""
