/**
 * Expands the templates of receivers: texts of the configuration, which may call the templates that the `templates` files of
 * the configuration and the defaults define. A parsed text is kept, because each notification uses the same few texts.
 */
import { WeightedMap } from '../../../../base/bounded.ts';
import type { Notification } from '../notification.ts';
import { execTemplate } from '../../rules/template/exec.ts';
import { parseTemplate } from '../../rules/template/parser.ts';
import type { Template } from '../../rules/template/tree.ts';
import { templateData } from './data.ts';
import { DEFAULT_TEMPLATES } from './defaults.ts';
import { NOTIFY_FUNCTION_NAMES, notifyFunctions } from './functions.ts';

const CACHE_CHARACTERS = 4 * 1024 * 1024;

export class Renderer {
  readonly #defined: Template['defined'];
  readonly #parsed = new WeightedMap<string, Template>(CACHE_CHARACTERS);

  /** `files` are texts with `{{ define }}`; a later definition of a name replaces an earlier one. Throws TemplateError. */
  constructor(files: readonly string[] = []) {
    const defined = new Map<string, Template['nodes']>();
    for (const text of [DEFAULT_TEMPLATES, ...files]) {
      for (const [name, nodes] of parseTemplate(text, NOTIFY_FUNCTION_NAMES).defined) defined.set(name, nodes);
    }
    this.#defined = defined;
  }

  /** Throws TemplateError, also for a template that is not defined. */
  async render(text: string, notification: Notification, nowMs: number): Promise<string> {
    if (!text.includes('{{')) return text;
    const data = templateData(notification);
    return execTemplate(this.#template(text), notifyFunctions(data, nowMs), data, []);
  }

  #template(text: string): Template {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const { nodes, defined } = parseTemplate(text, NOTIFY_FUNCTION_NAMES);
    const template = { nodes, defined: new Map([...this.#defined, ...defined]) };
    this.#parsed.set(text, template, text.length + 64);
    return template;
  }
}
