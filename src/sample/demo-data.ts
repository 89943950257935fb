/** The two hundred users of the demonstration. Their password is public: the service holds no real money. */

export const DEMO_USERS = 200;
export const DEMO_PASSWORD = 'demo-password';
/** In minor units (cents); large enough that simulated users do not run out of money. */
export const OPENING_BALANCE = 10_000_00;
export const CURRENCY = 'EUR';

const number = (index: number): string => String((index % DEMO_USERS) + 1).padStart(3, '0');

/** `user-001` … `user-200`; any index is taken modulo the number of users. */
export const demoUser = (index: number): string => `user-${number(index)}`;
/** The one account of that user: `acc-001` … `acc-200`. */
export const demoAccount = (index: number): string => `acc-${number(index)}`;
