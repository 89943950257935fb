/** Text that is drawn in place on a terminal: cut to the window, so that nothing wraps, scrolls or moves what was drawn. */

export interface ScreenLine {
  /** Without control characters. */
  readonly text: string;
  readonly paint?: ((text: string) => string) | undefined;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

const WIDE =
  /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\uFF01-\uFF60]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;

const widthOf = (character: string): number => (NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** The columns that a text takes on a terminal. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** The text, or its beginning and `…`, in at most `columns` columns. */
export function cutTo(text: string, columns: number): string {
  let width = 0;
  let fits = '';
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) return columns < 1 ? '' : `${fits}…`;
    if (width <= columns - 1) fits += character;
  }
  return text;
}

/**
 * The lines as they are written to the terminal: from its first line on, each cleared to its end. The last row stays free for
 * the cursor; when lines are left out, the last one says how many.
 */
export function drawn(lines: readonly ScreenLine[], { columns, rows }: Screen): string {
  const room = Math.max(1, rows - 1);
  const shown =
    lines.length <= room
      ? lines
      : [...lines.slice(0, room - 1), { text: `… ${lines.length - room + 1} more lines; enlarge the window` }];
  const text = shown.map((line) => {
    const cut = cutTo(line.text, columns);
    return `${'paint' in line && line.paint !== undefined ? line.paint(cut) : cut}\u001b[K\n`;
  });
  return `\u001b[H${text.join('')}\u001b[J`;
}
