/** Bounds on what a query may be, which end in `query_invalid`, and on the labels it makes, in `query_failed`. */

/** UTF-16 units; longer texts are refused unread. */
export const MAX_QUERY_LENGTH = 16 * 1024;
/** Levels of parentheses, calls and operators inside each other. Walkers of the tree recurse, so this keeps the stack whole. */
export const MAX_DEPTH = 500;
/** UTF-16 units of one regular expression. */
export const MAX_REGEX_LENGTH = 1_000;
/** Instructions that one regular expression may compile to. */
export const MAX_REGEX_SIZE = 4_096;
/** Instructions of one regular expression times the length of one value: about two seconds in the worst case. */
export const MAX_MATCH_STEPS = 4_000_000;
/** UTF-16 units of a label value that a function makes. */
export const MAX_LABEL_LENGTH = 16 * 1024;
