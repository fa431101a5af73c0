/** The four export requests of OTLP; the words of component/signal.ts, which stands above this folder. */
export type RequestSignal = 'traces' | 'metrics' | 'logs' | 'profiles'
