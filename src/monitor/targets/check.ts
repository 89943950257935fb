/**
 * A check: one function type for all kinds. A check gets a specification that is plain JSON (it travels to the process of the
 * checks) and a context, and returns a report; it never throws for what the target does. The phases of a check follow each
 * other without gaps, so they add up to its duration.
 */
import type { Clock } from '../../base/clock.ts';
import type { Origin, OutboundGuard } from '../outbound/guard.ts';

export const PHASES = ['resolve', 'connect', 'tls', 'processing', 'transfer'] as const;
export type Phase = (typeof PHASES)[number];

/** Seconds by phase; a phase that the check did not reach is absent. */
export type PhaseTimes = Partial<Record<Phase, number>>;

/** One series of the check's result, as the blackbox exporter names it. */
export interface ProbeSeries {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly fingerprint256: string;
  /** Why the chain or the name is not trusted; '' when it is. */
  readonly error: string;
}

/** What was sent and what came back, without secrets. Kept for every failure. */
export interface Evidence {
  /** One line: the request, the command, the query. */
  readonly sent: string;
  readonly sentHeaders?: Readonly<Record<string, string>> | undefined;
  /** Address of the connection, '' when none was made. */
  readonly address: string;
  /** Name of the failed step. */
  readonly step?: string | undefined;
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The beginning of the answer. */
  readonly excerpt?: string | undefined;
  readonly certificate?: CertificateFacts | undefined;
  readonly redirects?: readonly string[] | undefined;
  /** Anything else, such as resources of a page that are broken. */
  readonly notes?: readonly string[] | undefined;
}

export interface CheckReport {
  readonly success: boolean;
  /** One sentence; '' when the check succeeded. */
  readonly reason: string;
  readonly phases: PhaseTimes;
  readonly series: readonly ProbeSeries[];
  readonly evidence: Evidence;
}

/** Resolves a name without a thread; rejects when the name has no address or the servers do not answer. */
export interface NameResolver {
  /** Addresses of the family, in the order of the answer. */
  resolve(name: string, family: 4 | 6, signal: AbortSignal): Promise<readonly string[]>;
}

export interface CheckContext {
  readonly guard: OutboundGuard;
  /** Who made the target: decides which addresses it may reach. */
  readonly origin: Origin;
  readonly names: NameResolver;
  readonly clock: Clock;
  /** Aborted at the time-out of the check. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The trace that the check begins, as the header's value. */
  readonly traceparent: string;
}

export type CheckFn<Spec> = (spec: Spec, context: CheckContext) => Promise<CheckReport>;

/** Which IP version is preferred, and whether the other one is used when a name has no address of it. */
export interface FamilyChoice {
  readonly prefer: 4 | 6;
  readonly fallback: boolean;
}

export interface TlsChoice {
  /** PEM texts. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
  /** Accept any certificate. */
  readonly insecure: boolean;
}

export interface PatternMatch {
  /** RE2, matched anywhere. */
  readonly pattern: string;
  /** True: must match; false: must not match. */
  readonly must: boolean;
}

export interface HeaderMatch extends PatternMatch {
  readonly header: string;
  /** Whether a missing header is acceptable. */
  readonly allowMissing: boolean;
}

export interface HttpExpect {
  /** `200`, `2xx`, `200-204`; empty means 2xx. */
  readonly statuses: readonly string[];
  /** `HTTP/1.1`; empty means any. */
  readonly versions: readonly string[];
  readonly ssl?: 'required' | 'refused' | undefined;
  /** The whole check must be faster. */
  readonly latencyMs?: number | undefined;
  readonly body: readonly PatternMatch[];
  readonly headers: readonly HeaderMatch[];
  /** Conditions such as `$.status == "ok"`. */
  readonly json: readonly string[];
  /** Days that the certificate must still be valid. */
  readonly certificateDays?: number | undefined;
}

export interface HttpSpec {
  readonly kind: 'http';
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly followRedirects: boolean;
  /** Sent as Accept-Encoding and decoded: `gzip`, `br`, `deflate`. */
  readonly compression?: string | undefined;
  readonly family: FamilyChoice;
  readonly tls: TlsChoice;
  readonly proxyUrl?: string | undefined;
  /** Whether HTTP/2 is offered to a server that speaks TLS. */
  readonly http2: boolean;
  /** Bytes of the body that are read. */
  readonly maxBodyBytes: number;
  readonly expect: HttpExpect;
  /** False for modules of the blackbox exporter, which must send what the exporter sends. */
  readonly traced: boolean;
}

export interface WebSpec extends Omit<HttpSpec, 'kind'> {
  readonly kind: 'web';
  /** More broken resources than this fail the check; undefined: they are only reported. */
  readonly maxBroken?: number | undefined;
  readonly maxResources: number;
}

export interface QueryStep {
  /** RE2; must match a line of the answer. */
  readonly expect?: string | undefined;
  /** Sent with a newline; `${1}` stands for a group of the pattern. */
  readonly send?: string | undefined;
  readonly startTls?: boolean | undefined;
}

export interface TcpSpec {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
  readonly family: FamilyChoice;
  /** Present: the connection begins with TLS. */
  readonly tls?: TlsChoice | undefined;
  /** For a STARTTLS in the dialogue. */
  readonly startTls: TlsChoice;
  readonly dialogue: readonly QueryStep[];
}

export interface TlsSpec {
  readonly kind: 'tls';
  readonly host: string;
  readonly port: number;
  readonly family: FamilyChoice;
  readonly tls: TlsChoice;
  readonly certificateDays: number;
}

export interface RecordMatches {
  readonly failIfMatches: readonly string[];
  readonly failIfAllMatch: readonly string[];
  readonly failIfNotMatches: readonly string[];
  readonly failIfNoneMatches: readonly string[];
}

export interface DnsSpec {
  readonly kind: 'dns';
  /** The server that is asked. */
  readonly host: string;
  readonly port: number;
  readonly family: FamilyChoice;
  readonly transport: 'udp' | 'tcp';
  readonly tls?: TlsChoice | undefined;
  readonly queryName: string;
  readonly queryType: string;
  readonly recursion: boolean;
  /** `NOERROR`, … */
  readonly rcodes: readonly string[];
  readonly answer: RecordMatches;
  readonly authority: RecordMatches;
  readonly additional: RecordMatches;
}

export interface WebSocketSpec {
  readonly kind: 'websocket';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly family: FamilyChoice;
  readonly tls: TlsChoice;
  readonly send?: string | undefined;
  /** RE2; a message must match it. */
  readonly expect?: string | undefined;
}

export interface GrpcSpec {
  readonly kind: 'grpc';
  readonly host: string;
  readonly port: number;
  readonly family: FamilyChoice;
  readonly tls?: TlsChoice | undefined;
  /** Name of the service for grpc.health.v1; '' asks for the server as a whole. */
  readonly service: string;
}

export interface ExecSpec {
  readonly kind: 'exec';
  readonly command: readonly string[];
  /** Nagios' WARNING (exit code 1) counts as a success. */
  readonly warningIsUp: boolean;
}

export interface StepSpec extends Omit<HttpSpec, 'kind'> {
  readonly name: string;
  /** Name → `$.json.path`, `header:NAME` or `regex:PATTERN`; later steps write `${NAME}`. */
  readonly save: Readonly<Record<string, string>>;
}

export interface StepsSpec {
  readonly kind: 'steps';
  readonly steps: readonly StepSpec[];
}

export type CheckSpec =
  | HttpSpec
  | WebSpec
  | TcpSpec
  | TlsSpec
  | DnsSpec
  | WebSocketSpec
  | GrpcSpec
  | ExecSpec
  | StepsSpec;

/** One check as it was carried out. */
export interface CheckResult extends CheckReport {
  /** Wall time of the begin. */
  readonly timeMs: number;
  readonly durationSeconds: number;
  readonly traceId: string;
}
