/**
 * SVG text to PNG by resvg, on a thread of its library. The package is an optional peer, because only messages with pictures
 * need it. Letters come from the font that is shipped: a container has none, and reading the system's takes long.
 */
import { fileURLToPath } from 'node:url';
import { VitrineError } from '../../../../base/errors.ts';

/** This file lies five folders below the package, in the sources and when compiled. */
const FONT = fileURLToPath(new URL('../../../../../fonts/dejavu-sans-subset.ttf', import.meta.url));
const INSTALL = 'npm install @resvg/resvg-js@2';

type Resvg = typeof import('@resvg/resvg-js');

async function load(): Promise<Resvg> {
  try {
    return await import('@resvg/resvg-js');
  } catch (cause) {
    throw new VitrineError('package_missing', 'Messages carry no pictures: @resvg/resvg-js is not installed.', {
      cause,
      hint: INSTALL,
    });
  }
}

/** Throws VitrineError `package_missing`. */
export async function pngOf(svg: string): Promise<Buffer> {
  const { renderAsync } = await load();
  const font = { loadSystemFonts: false, fontFiles: [FONT], defaultFontFamily: 'DejaVu Sans' };
  const image = await renderAsync(svg, { font, logLevel: 'off' });
  return image.asPng();
}
