import SlipwayCommands

await SlipwayCommand.start()
