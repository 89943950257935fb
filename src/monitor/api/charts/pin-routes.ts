/** `/api/pins`: the metrics that are pinned to the page of a service. */
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import type { Pin, Pins } from '../../store/state/pins.ts';
import { jsonBody } from '../answers.ts';
import type { Route } from '../routes.ts';
import { textFrom } from '../routes.ts';
import type { PinsAnswer } from './contract.ts';

const MAX_BYTES = 8_192;
const pinned = z.strictObject({
  service: z.string().min(1).max(1_024),
  metric: z.string().regex(/^[a-zA-Z_:][\w:]{0,199}$/),
});

function pinIn(body: unknown): Pin {
  const read = pinned.safeParse(body);
  if (read.success) return read.data;
  throw new VitrineError('bad_request', 'A pin has a "service" and the name of a "metric".');
}

export function pinRoutes(pins: Pins, now: () => number): Route[] {
  const path = '/api/pins';
  return [
    {
      method: 'GET',
      path,
      handler: ({ query }): PinsAnswer => ({ metrics: pins.of(textFrom(query, 'service') ?? '') }),
    },
    {
      method: 'POST',
      path,
      async handler({ ctx, who }): Promise<PinsAnswer> {
        const pin = pinIn(await jsonBody(ctx, MAX_BYTES));
        await pins.add(pin, who, Math.round(now()));
        return { metrics: pins.of(pin.service) };
      },
    },
    {
      method: 'DELETE',
      path,
      async handler({ ctx, query }) {
        if (!(await pins.remove(pinIn({ service: textFrom(query, 'service'), metric: textFrom(query, 'metric') })))) {
          throw new VitrineError('not_found', 'This metric is not pinned.');
        }
        ctx.status = 204;
      },
    },
  ];
}
