/** `POST /api/forget`: a dry run `{"q":…,"dry_run":true}`, then `{"q":…,"token":…}` with the token that it gave. */
import { VitrineError } from '../../../base/errors.ts';
import type { Forgetting } from '../../search/forget.ts';
import { jsonBody } from '../answers.ts';
import type { Route } from '../routes.ts';
import type { ForgetAnswer } from './contract.ts';

/** Without a store that can delete there is no route, and the path answers 501. */
export function forgetRoutes(forgetting: Forgetting | undefined): Route[] {
  if (forgetting === undefined) return [];
  return [
    {
      method: 'POST',
      path: '/api/forget',
      role: 'admin',
      async handler({ ctx }): Promise<ForgetAnswer> {
        const { q, dry_run: dryRun, token, ...others } = await jsonBody(ctx);
        const [unknown] = Object.keys(others);
        if (unknown !== undefined) throw new VitrineError('bad_request', `"${unknown}" is no part of this request.`);
        if (typeof q !== 'string' || q.trim() === '') {
          throw new VitrineError('bad_request', '"q" must be a filter, and it must not be empty.');
        }
        if (dryRun === true) return { dry_run: true, ...(await forgetting.count(q)) };
        if (typeof token !== 'string') {
          throw new VitrineError('bad_request', '"token" is missing.', {
            hint: 'Send {"q":…,"dry_run":true} first; its answer has the token.',
          });
        }
        return { dry_run: false, records: await forgetting.forget(q, token) };
      },
    },
  ];
}
