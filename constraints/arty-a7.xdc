# Digilent Arty A7-35T and A7-100T (xc7a35tcsg324-1, xc7a100tcsg324-1). Pins: litex-boards, platforms/digilent_arty.py.
set_property -dict {PACKAGE_PIN E3 IOSTANDARD LVCMOS33} [get_ports clk_i]
create_clock -name clk_i -period 10.000 [get_ports clk_i]
# The red reset button, 0 when pressed.
set_property -dict {PACKAGE_PIN C2 IOSTANDARD LVCMOS33} [get_ports button_i]
set_property -dict {PACKAGE_PIN A9 IOSTANDARD LVCMOS33} [get_ports uart_rx_i]
set_property -dict {PACKAGE_PIN D10 IOSTANDARD LVCMOS33} [get_ports uart_tx_o]
# LEDs LD4 to LD6, lit by 1.
set_property -dict {PACKAGE_PIN H5 IOSTANDARD LVCMOS33} [get_ports led_ready_o]
set_property -dict {PACKAGE_PIN J5 IOSTANDARD LVCMOS33} [get_ports led_busy_o]
set_property -dict {PACKAGE_PIN T9 IOSTANDARD LVCMOS33} [get_ports led_uncertain_o]
