@echo -off
echo nestor-run: back in the firmware
reset -s
