import { chmodSync, statSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { removeSignInLink, signInRow, writeSignInLink } from '../../../src/app/process/sign-in-file.ts';
import { freshDir } from '../../support/program.ts';

it('hands the first link over in a file of the owner, and shows it to terminals only', () => {
  const dir = freshDir();
  try {
    const file = path.join(dir, 'sign-in-link');
    expect(signInRow(dir, true)).toEqual([]);
    writeSignInLink(dir, 'http://127.0.0.1:4000/sign-in#first=old');
    chmodSync(file, 0o644);
    writeSignInLink(dir, 'http://127.0.0.1:4000/sign-in#first=abc');
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(signInRow(dir, true)[0][1]).toBe('http://127.0.0.1:4000/sign-in#first=abc  (once, for 24 h)');
    expect(signInRow(dir, false)).toEqual([['First sign-in', `the link in ${file}`]]);
    removeSignInLink(dir);
    expect(signInRow(dir, false)).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
