/**
 * Passwords that attackers try first. The words are the most frequent of published leaks; each stands for its spellings: case,
 * digits and signs at its ends, and the usual digits for letters do not make it another password.
 */
const WORDS = `
password passwort passw0rd motdepasse contrasena senha wachtwoord parola haslo salasana
qwerty qwertz azerty asdf zxcv qazwsx qweasd asdfgh zxcvbn qwertyuiop asdfghjkl zxcvbnm
iloveyou princess sunshine football baseball basketball superman batman spiderman dragon monkey shadow master
welcome letmein trustno administrator admin root toor login guest test tester testing demo default changeme change secret
abc abcd abcdef abcdefg abcdefgh abcabc aaaa
michael jennifer jordan ashley daniel jessica charlie andrew thomas robert matthew
starwars pokemon naruto minecraft liverpool chelsea arsenal barcelona juventus ferrari mustang corvette
computer internet samsung google facebook microsoft windows linux ubuntu debian server oracle cisco
whatever freedom killer hunter ranger harley buster soccer hockey tigger pepper ginger cookie summer winter spring autumn
flower lovely babygirl chocolate butterfly purple orange banana cheese
vitrine grafana prometheus monitor monitoring dashboard observability
`;
const COMMON: ReadonlySet<string> = new Set(WORDS.split(/\s+/).filter((word) => word !== ''));

const LETTERS: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** The word in a password; '' when only digits and signs are left. */
function wordOf(text: string): string {
  const bare = text.toLowerCase().replaceAll(/^[^a-z]+|[^a-z]+$/g, '');
  return bare.replaceAll(/[013457@$!]/g, (sign) => LETTERS[sign] ?? sign).replaceAll(/[^a-z]/g, '');
}

/** One character, or one short group, again and again; or a run as on a keyboard's row of digits. */
function isRegular(text: string): boolean {
  if (/^(.{1,4})\1+$/su.test(text)) return true;
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const steps = new Set(codes.slice(1).map((code, at) => code - codes[at]));
  return steps.size === 1 || /^\d{1,10}$/.test(text);
}

/** Digits only, up to ten, are dates and telephone numbers: there are too few of them. */
export function commonPassword(password: string, name: string): boolean {
  if (isRegular(password)) return true;
  const lower = password.toLowerCase();
  const word = wordOf(password);
  const own = name.toLowerCase();
  const leetWhole = lower.replaceAll(/[013457@$!]/g, (sign) => LETTERS[sign] ?? sign);
  if (COMMON.has(word) || COMMON.has(leetWhole) || COMMON.has(lower)) return true;
  // A name with a few characters more is the name.
  return own.length >= 3 && lower.includes(own) && lower.length - own.length < 6;
}
