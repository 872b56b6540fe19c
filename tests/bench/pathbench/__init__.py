"""The data path of the program beside the reference's: rules written, rules passed, both in a pod."""
