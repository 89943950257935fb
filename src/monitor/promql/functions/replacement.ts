/**
 * Go's Regexp.Expand: `$1`, `${1}`, `$name`, `${name}`, `$$`. A name without braces includes all letters, digits and
 * underscores that follow (`$1x` is the group "1x", which does not exist and gives ''). Used by label_replace and by
 * templates.
 */

const REFERENCE = /\$(?:\$|\{([\p{L}\p{N}_]+)\}|([\p{L}\p{N}_]+))/gu;

/** `groupOf` returns the text of a group by number or name, '' when there is no such group. */
export function expandReplacement(template: string, groupOf: (reference: string) => string): string {
  return template.replace(REFERENCE, (all, braced: string | undefined, bare: string | undefined) =>
    all === '$$' ? '$' : groupOf(braced ?? (bare as string)),
  );
}
