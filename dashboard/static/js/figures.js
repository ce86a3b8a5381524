export function startFigures() {}
