"""
LivePerson's install manifest: write it, check it, compare it with the installed app.

https://developers.liveperson.com/conversational-cloud-applications-installing-conversational-cloud-applications.html
"""
