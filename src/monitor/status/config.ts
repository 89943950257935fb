/** The configuration of the status page. What it names is published; nothing else is. */
import { z } from 'zod';
import { address, httpUrl } from '../../config/types.ts';
import { isTimeZone } from '../../model/time/local-time.ts';

const MAX_COMPONENTS = 100;
const MAX_TARGETS = 100;

const component = z.strictObject({
  name: z.string().min(1).max(120).describe('The name that readers see.'),
  description: z.string().max(300).default('').describe('One line below the name.'),
  targets: z
    .array(z.string().min(1))
    .min(1)
    .max(MAX_TARGETS)
    .describe('Targets by name. Their names are not published: the component is down while one of them is down.'),
});

export const statusPageConfig = z.strictObject({
  listen: address().prefault('127.0.0.1:4080').describe('The public port. It answers without a token.'),
  title: z.string().min(1).max(120).default('Status').describe('Title of the page, the feed and the badges.'),
  url: httpUrl()
    .optional()
    .describe('The address under which readers reach the page; the feed needs it for links that are not relative.'),
  zone: z
    .string()
    .refine(isTimeZone, 'a time zone such as "Europe/Berlin"')
    .default('UTC')
    .describe('The time zone of days and times on the page.'),
  components: z
    .array(component)
    .min(1)
    .max(MAX_COMPONENTS)
    .check(({ value, issues }) => {
      const seen = new Set<string>();
      for (const [at, { name }] of value.entries()) {
        if (seen.has(name))
          issues.push({
            code: 'custom',
            message: 'a name that no other component has',
            input: name,
            path: [at, 'name'],
          });
        seen.add(name);
      }
    })
    .describe('The parts of the service, in the order of the page.'),
  atom: z.boolean().default(true).describe('Offer incidents and maintenance as an Atom feed.'),
  announce_maintenance: z
    .boolean()
    .default(true)
    .describe('Announce the maintenance windows of the alerts that concern a target of a component.'),
});

export type StatusPageConfig = z.output<typeof statusPageConfig>;
