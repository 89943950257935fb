/** The forms of a column on disk, by their first byte. */
export const SAME = 1;
export const DICTIONARY = 2;
export const WHOLE = 3;
export const FLOATS = 4;
export const TEXTS = 5;
export const MIXED = 6;
/** Added to the kind when some rows have no value. */
export const GAPS = 16;
export const DECIMALS_MAX = 6;
