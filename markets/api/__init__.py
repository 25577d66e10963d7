"""Operations about rates, gold, prices, candles and assets."""
