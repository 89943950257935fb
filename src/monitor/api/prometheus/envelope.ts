/**
 * The envelope of the Prometheus HTTP API: `{"status":"success","data":…}` or `{"status":"error","errorType","error"}`
 * with Prometheus' error types and statuses (web/api/v1/api.go).
 */
import { VitrineError } from '../../../base/errors.ts';

export type ErrorType =
  | 'bad_data'
  | 'execution'
  | 'canceled'
  | 'timeout'
  | 'internal'
  | 'not_found'
  | 'not_acceptable'
  | 'unavailable';

export interface ApiError {
  readonly status: number;
  readonly errorType: ErrorType;
  readonly error: string;
}

const STATUS: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  not_found: 404,
  not_acceptable: 406,
  unavailable: 503,
};

function errorTypeOf(error: VitrineError): ErrorType {
  switch (error.code) {
    case 'query_failed':
      return 'execution';
    case 'query_timeout':
      return 'timeout';
    case 'query_canceled':
      return 'canceled';
    case 'not_found':
      return 'not_found';
    case 'unreachable':
    case 'overloaded':
    case 'draining':
      return 'unavailable';
    default:
      return error.status < 500 ? 'bad_data' : 'internal';
  }
}

/** The error that a client sees for a thrown value of any kind. */
export function apiErrorOf(error: unknown): ApiError {
  if (!(error instanceof VitrineError)) {
    return { status: 500, errorType: 'internal', error: 'An unexpected error was logged.' };
  }
  const errorType = errorTypeOf(error);
  const keepsStatus = error.code === 'payload_too_large' || error.code === 'unsupported_media_type';
  return { status: keepsStatus ? error.status : STATUS[errorType], errorType, error: error.message };
}

export function errorBody({ errorType, error }: ApiError): string {
  return JSON.stringify({ status: 'error', errorType, error });
}

export interface Notes {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** At most ten warnings and ten infos are shown, as in Prometheus. The eleventh line says how many are left out. */
const MAX_NOTES = 10;

function shown(notes: readonly string[], word: string): readonly string[] {
  if (notes.length <= MAX_NOTES) return notes;
  return [...notes.slice(0, MAX_NOTES), `${notes.length - MAX_NOTES} more ${word} annotations omitted`];
}

/** The end of the body, after the data: notes and the closing brace. */
export function successTail({ warnings, infos }: Notes = { warnings: [], infos: [] }): string {
  let out = '';
  if (warnings.length > 0) out += `,"warnings":${JSON.stringify(shown(warnings, 'warning'))}`;
  if (infos.length > 0) out += `,"infos":${JSON.stringify(shown(infos, 'info'))}`;
  return `${out}}`;
}

export const SUCCESS_HEAD = '{"status":"success","data":';

export function successBody(data: unknown, notes?: Notes): string {
  return SUCCESS_HEAD + JSON.stringify(data) + successTail(notes);
}
