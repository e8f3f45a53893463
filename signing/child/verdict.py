def judge_document(stream, arguments):
    raise NotImplementedError
