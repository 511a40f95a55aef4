"""Git hosts: the status of a commit and the comment on a pull request.

A leaf that any world may call: it knows neither Tekton nor models.
"""
