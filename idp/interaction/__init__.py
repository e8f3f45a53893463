"""What stands between an authorization request and its answer: the session, the prompts, the person's consent.

`/authorize` asks `policy.next_prompt`; while something is to be asked it keeps the request as an `Interaction` and
sends the person to `/interaction/<id>`, whose pages do one step each and lead back to `/authorize/<id>`, where the
policy is asked again, until nothing is left. `Interaction.refused` is the error to answer with, when there is one;
`InteractionStore.answer` is true once, for the answer that goes out.
"""
