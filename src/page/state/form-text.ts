/** The text of a field of a form, without the spaces around it; '' for a field that is not there. Pure. */
export function formText(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
