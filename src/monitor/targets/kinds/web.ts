/**
 * A web page with its resources: the page is fetched, then its scripts, styles and images, a few at a time, as a browser does
 * for a first visit. The time until the last one has arrived is the page-load time. Nothing of the page runs.
 */
import type { CheckContext, CheckReport, ProbeSeries, WebSpec } from '../check.ts';
import { Progress } from '../net/progress.ts';
import { shownUrl } from '../net/shown.ts';
import { httpEvidence, httpSeries, request } from './http.ts';

const AT_ONCE = 6;
const MAX_RESOURCE_BYTES = 8 * 1024 * 1024;
const TAG = /<(script|link|img|source)\b([^>]{0,4096})>/gi;
const ATTRIBUTE = /\b(src|href|rel)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;
const LOADED_LINKS = new Set(['stylesheet', 'icon', 'shortcut', 'preload', 'modulepreload']);

interface Resource {
  readonly url: string;
  readonly reason: string;
  readonly bytes: number;
}

/** Addresses of the resources that a browser loads for the page, each once, in order. */
export function resourcesOf(html: string, base: URL, limit: number): string[] {
  const found = new Set<string>();
  for (const [, tag, attributes] of html.matchAll(TAG)) {
    const values = Object.fromEntries(
      [...attributes.matchAll(ATTRIBUTE)].map(([, name, ...texts]) => [
        name.toLowerCase(),
        texts.find((text) => text !== undefined) ?? '',
      ]),
    );
    const isLink = tag.toLowerCase() === 'link';
    const rel = (values['rel'] ?? '').toLowerCase().split(/\s+/);
    if (isLink && !rel.some((one) => LOADED_LINKS.has(one))) continue;
    const written = (isLink ? values['href'] : values['src']) ?? '';
    const url = URL.parse(written.replaceAll('&amp;', '&'), base.href);
    if (written === '' || url === null || !/^https?:$/.test(url.protocol)) continue;
    url.hash = '';
    found.add(url.href);
    if (found.size >= limit) break;
  }
  return [...found];
}

async function load(url: string, spec: WebSpec, context: CheckContext): Promise<Resource> {
  const outcome = await request(
    {
      ...spec,
      url,
      method: 'GET',
      // Credentials of the page are not sent to whatever it names.
      headers: {},
      body: undefined,
      maxBodyBytes: MAX_RESOURCE_BYTES,
      expect: { statuses: ['200-399'], versions: [], body: [], headers: [], json: [] },
    },
    context,
    new Progress(context.clock),
  );
  return { url, reason: outcome.reason, bytes: outcome.answer?.body.length ?? 0 };
}

async function loadAll(urls: readonly string[], spec: WebSpec, context: CheckContext): Promise<Resource[]> {
  const waiting = [...urls];
  const done: Resource[] = [];
  const worker = async (): Promise<void> => {
    for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) done.push(await load(url, spec, context));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return done;
}

export async function checkWeb(spec: WebSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  const page = await request(spec, context, progress);
  const { answer } = page;
  const isHtml = /^text\/html|^application\/xhtml/.test(answer?.headers['content-type'] ?? '');
  const urls =
    page.reason === '' && answer !== undefined && isHtml
      ? resourcesOf(answer.body.toString('utf8'), answer.url, spec.maxResources)
      : [];
  const resources = await loadAll(urls, spec, context);
  progress.end('transfer');
  const broken = resources.filter(({ reason }) => reason !== '');
  const tooMany = spec.maxBroken !== undefined && broken.length > spec.maxBroken;
  const first = broken.at(0);
  const reason =
    page.reason ||
    (tooMany && first !== undefined
      ? `${broken.length} of ${resources.length} resources of the page are broken, such as ${shownUrl(first.url)}.`
      : '');
  return {
    success: reason === '',
    reason,
    phases: progress.phases,
    series: [
      ...httpSeries(page, progress),
      { name: 'probe_web_page_load_seconds', value: progress.seconds },
      ...countSeries(resources, broken.length, answer?.body.length ?? 0),
    ],
    evidence: {
      ...httpEvidence(spec, page, progress),
      notes: broken.slice(0, 20).map(({ url, reason: why }) => `${shownUrl(url)}: ${why}`),
    },
  };
}

function countSeries(resources: readonly Resource[], broken: number, pageBytes: number): ProbeSeries[] {
  return [
    { name: 'probe_web_resources', labels: { state: 'ok' }, value: resources.length - broken },
    { name: 'probe_web_resources', labels: { state: 'broken' }, value: broken },
    { name: 'probe_web_page_bytes', value: resources.reduce((sum, { bytes }) => sum + bytes, pageBytes) },
  ];
}
