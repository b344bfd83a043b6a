// Static pages get a fixed name, so that two starts of the same build answer alike.
module.exports = { generateBuildId: () => 'ledger', devIndicators: false };
