"""What every app's API shares, in the lowest app so that all may use it; and the API of the errors themselves.

    parsers      a body becomes data, or a 400 that says what is wrong with it
    serializers  data becomes checked fields: strict types, unknown fields named
    filters      query parameters become a filtered and ordered queryset, in Scale's words
    pagination   a queryset becomes a page
    exceptions   a refusal becomes an answer
    rights       what the caller of a request may do
    schema       all of that, as OpenAPI

Guarantee: whatever a client sends, these answer with a status below 500 and a body that has `detail`.
"""
