/**
 * Limits of a query, whose excess is `query_invalid`, and of the labels that a query makes, whose excess is `query_failed`.
 */

/** UTF-16 units. Longer texts are refused before they are read. */
export const MAX_QUERY_LENGTH = 16 * 1024;
/**
 * Levels of nested parentheses, calls and operators. Functions that walk the tree recurse, so this limit prevents a stack
 * overflow.
 */
export const MAX_DEPTH = 500;
/** UTF-16 units of a label value that a function makes. */
export const MAX_LABEL_LENGTH = 16 * 1024;
