"""Pure decisions: state, command and now in; an entry or a refusal out."""
