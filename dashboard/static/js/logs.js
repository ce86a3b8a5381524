// The logs page.
export function startLogs() {}
