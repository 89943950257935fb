/** Text inside HTML, SVG and XML. */

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Safe as text and as the value of an attribute in quotes, in HTML and in XML. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"'`]/g, (character) => ESCAPES[character]);
