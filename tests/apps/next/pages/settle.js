const roundingRule = 'half-even CANARY_SOURCE';

function settle(database) {
  throw new Error(`account of ${process.env.LEDGER_CUSTOMER}: connect ECONNREFUSED ${database} (${roundingRule.length})`);
}

export async function getServerSideProps() {
  return settle(`mysql://ledger:${process.env.LEDGER_DB_PASSWORD}@ledger-db.internal/ledger`);
}

export default function Settle() {
  return <p>Settled.</p>;
}
