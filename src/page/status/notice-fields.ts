/** What the forms of the status page send. Times of a form are those of the browser. Pure. */

import { formText as said } from '../state/form-text.ts';

const timeOf = (form: FormData, name: string): Readonly<Record<string, number>> => {
  const ms = new Date(said(form, name)).getTime();
  return Number.isNaN(ms) ? {} : { [name]: ms };
};

/** `alert`: the fingerprint of the alert that it comes from, '' without one. */
export function noticeFrom(form: FormData, alert: string): Readonly<Record<string, unknown>> {
  const kind = said(form, 'kind') === 'maintenance' ? 'maintenance' : 'incident';
  const components = form.getAll('components').filter((one) => typeof one === 'string');
  return {
    kind,
    text: said(form, 'text'),
    ...(said(form, 'title') === '' ? {} : { title: said(form, 'title') }),
    // Without a choice, an alert names its components itself.
    ...(components.length === 0 && alert !== '' ? {} : { components }),
    ...(kind === 'maintenance'
      ? { ...timeOf(form, 'start'), ...timeOf(form, 'end') }
      : { impact: said(form, 'impact') }),
    ...(alert === '' ? {} : { alert }),
  };
}

export function updateFrom(form: FormData): Readonly<Record<string, string>> {
  const impact = said(form, 'impact');
  return { stage: said(form, 'stage'), text: said(form, 'text'), ...(impact === '' ? {} : { impact }) };
}
