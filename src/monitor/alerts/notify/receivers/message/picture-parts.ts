/** How receivers send a picture: as a part of a form, and never at the price of the message. */
import { randomBytes } from 'node:crypto';
import type { Delivery, Notification, Picture } from '../../notification.ts';

/** A chart that cannot be drawn must not keep the message back. */
export async function pictureOf({ picture }: Notification): Promise<Picture | undefined> {
  try {
    return await picture();
  } catch {
    return undefined;
  }
}

export interface FormBody {
  readonly contentType: string;
  readonly body: Buffer;
}

/** A form of texts and one picture (RFC 7578). */
export function pictureForm(fields: Readonly<Record<string, string>>, name: string, { png }: Picture): FormBody {
  const boundary = `vitrine-${randomBytes(16).toString('hex')}`;
  const head = (disposition: string): string => `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n`;
  const texts = Object.entries(fields).map(([field, value]) => `${head(`name="${field}"`)}\r\n${value}\r\n`);
  const file = `${head(`name="${name}"; filename="chart.png"`)}Content-Type: image/png\r\n\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([Buffer.from(texts.join('') + file), png, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}

/** The service has refused what was sent, and not the sender: without the picture it may take the message. */
export const refusedContent = (delivery: Delivery): boolean =>
  delivery.kind === 'failed' && delivery.reason === 'clientError' && !delivery.retry;
