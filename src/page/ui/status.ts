/** The states that a shape, a word and a colour stand for. */
export type Status = 'ok' | 'warn' | 'crit' | 'affected' | 'unknown';
