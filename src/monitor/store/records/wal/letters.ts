/** What the bytes of a value begin with. */
export const LETTER = {
  null: 0,
  false: 1,
  true: 2,
  whole: 3,
  negative: 4,
  float: 5,
  big: 6,
  ascii: 7,
  utf8: 8,
  utf16: 9,
  list: 10,
  map: 11,
} as const;

/** In place of an id's number of digits. */
export const ID_IS_TEXT = 0xff;
