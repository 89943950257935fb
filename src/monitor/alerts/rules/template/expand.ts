/**
 * Templates of alert labels and annotations, as Prometheus expands them: `$labels`, `$value`, `$externalLabels` and
 * `$externalURL` are defined. A template that fails becomes the text of its error, so the alert is still sent.
 */
import type { Labels } from '../../../../model/labels.ts';
import { execTemplate } from './exec.ts';
import type { TemplateContext } from './functions.ts';
import { FUNCTION_NAMES, functionsFor } from './functions.ts';
import { parseTemplate } from './parser.ts';
import type { Template } from './tree.ts';
import { TemplateError } from './tree.ts';
import type { Value } from './value.ts';

const VARIABLES = ['$labels', '$externalLabels', '$externalURL', '$value'];

export interface TemplateData {
  readonly labels: Labels;
  readonly externalLabels: Labels;
  readonly value: number;
}

/** Text that is the same for every alert, or a template. */
export type CompiledText =
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'template'; readonly template: Template };

/** Throws TemplateError. */
export function compileText(text: string): CompiledText {
  if (!text.includes('{{')) return { kind: 'plain', text };
  return { kind: 'template', template: parseTemplate(text, FUNCTION_NAMES, VARIABLES) };
}

/** The reason why the text is not a valid template; undefined when it is valid. */
export function checkText(text: string): string | undefined {
  try {
    compileText(text);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

/** Throws TemplateError. */
export async function expandStrict(
  compiled: CompiledText,
  data: TemplateData,
  context: TemplateContext,
): Promise<string> {
  if (compiled.kind === 'plain') return compiled.text;
  const { labels, externalLabels, value } = data;
  const dot = new Map<string, Value>([
    ['Labels', labels],
    ['ExternalLabels', externalLabels],
    ['ExternalURL', context.externalUrl],
    ['Value', value],
  ]);
  return execTemplate(compiled.template, functionsFor(context), dot, [
    ['$labels', labels],
    ['$externalLabels', externalLabels],
    ['$externalURL', context.externalUrl],
    ['$value', value],
  ]);
}

export async function expand(compiled: CompiledText, data: TemplateData, context: TemplateContext): Promise<string> {
  try {
    return await expandStrict(compiled, data, context);
  } catch (error) {
    if (error instanceof TemplateError) return `<error expanding template: ${error.message}>`;
    throw error;
  }
}
