# TUL PYNQ-Z2 (xc7z020clg400-1). Pins: litex-boards, platforms/tul_pynq_z2.py.
# The USB port is the processor's: a serial adapter goes to Arduino pins AR0 (to the adapter) and AR1 (from it).
set_property -dict {PACKAGE_PIN H16 IOSTANDARD LVCMOS33} [get_ports clk_i]
create_clock -name clk_i -period 8.000 [get_ports clk_i]
# Button BTN0, 1 when pressed.
set_property -dict {PACKAGE_PIN D19 IOSTANDARD LVCMOS33} [get_ports button_i]
set_property -dict {PACKAGE_PIN U12 IOSTANDARD LVCMOS33} [get_ports uart_rx_i]
set_property -dict {PACKAGE_PIN T14 IOSTANDARD LVCMOS33} [get_ports uart_tx_o]
# LEDs LD0 to LD2, lit by 1.
set_property -dict {PACKAGE_PIN R14 IOSTANDARD LVCMOS33} [get_ports led_ready_o]
set_property -dict {PACKAGE_PIN P14 IOSTANDARD LVCMOS33} [get_ports led_busy_o]
set_property -dict {PACKAGE_PIN N16 IOSTANDARD LVCMOS33} [get_ports led_uncertain_o]
