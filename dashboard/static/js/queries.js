// The metrics explorer.
export function startQueries() {}
